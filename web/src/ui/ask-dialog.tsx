import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';

import { AriaLocale } from './aria-locale';
import type { Question } from './ask';

export function AskDialog({ title, open, onClose, size = 'small', children }: Question) {
  return (
    <AriaLocale>
      <ModalOverlay className="overlay" isOpen={open} onOpenChange={(isOpen) => !isOpen && onClose()} isDismissable>
        <Modal className={`modal modal-${size}`}>
          <Dialog className="dialog">
            <Heading slot="title" className="dialog-title">{title}</Heading>
            {children}
          </Dialog>
        </Modal>
      </ModalOverlay>
    </AriaLocale>
  );
}
